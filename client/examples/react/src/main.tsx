import { StrictMode } from "react"
import { createRoot } from "react-dom/client"
import { AuthProvider } from "./AuthProvider"
import { Dashboard } from "./Dashboard"
import { logDevice } from "./device"
import { Login, usePath } from "./pages"
import { UserStatus } from "./UserStatus"
import { logWho } from "./who"

function App() {
  const path = usePath()
  return (
    <AuthProvider>
      <header><UserStatus /></header>
      <main>{path === "/login" ? <Login /> : <Dashboard />}</main>
      <footer>
        <p>To the console of the browser:</p>
        <button onClick={logWho}>Log who I am</button>
        <button onClick={logDevice}>Log my device</button>
      </footer>
    </AuthProvider>
  )
}

createRoot(document.getElementById("root")!).render(<StrictMode><App /></StrictMode>)
