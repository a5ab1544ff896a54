// better-auth/react as its users know it; that latchkey answers shows in nothing but the address.
import { createAuthClient } from "better-auth/react"
import { type FormEvent, useState } from "react"
import { createRoot } from "react-dom/client"

const client = createAuthClient({ baseURL: `${location.origin}/auth` })

function App() {
  const { data, isPending } = client.useSession()
  const [fault, setFault] = useState("")

  const signIn = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const { error } = await client.signIn.email({ email: String(form.get("email")), password: String(form.get("password")) })
    setFault(error?.message ?? "")
  }

  if (isPending) return <p>Loading...</p>
  if (data) return <p>Welcome, {data.user.name}! <button onClick={() => client.signOut()}>Sign Out</button></p>
  return (
    <form onSubmit={signIn}>
      <label>E-mail <input name="email" type="email" autoComplete="username" required /></label>
      <label>Password <input name="password" type="password" autoComplete="current-password" required /></label>
      <p role="alert">{fault}</p>
      <button>Sign In</button>
      <p>No account yet? <a href="/auth/register">Sign up</a></p>
    </form>
  )
}

createRoot(document.getElementById("root")!).render(<App />)
