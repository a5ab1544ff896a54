import { StrictMode } from "react"
import { createRoot } from "react-dom/client"
import { AuthProvider } from "./AuthProvider"
import { Dashboard } from "./Dashboard"
import { Login, usePath } from "./pages"
import { UserStatus } from "./UserStatus"

function App() {
  const path = usePath()
  return (
    <AuthProvider>
      <header><UserStatus /></header>
      <main>{path === "/login" ? <Login /> : <Dashboard />}</main>
      <footer>
        <button onClick={() => import("./who")}>Log who I am</button>
        <button onClick={() => import("./device")}>Log my device</button>
      </footer>
    </AuthProvider>
  )
}

createRoot(document.getElementById("root")!).render(<StrictMode><App /></StrictMode>)
