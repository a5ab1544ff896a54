// better-auth/react as its users know it; that latchkey answers shows in nothing but the address.
import { createAuthClient } from "better-auth/react"
import type { FormEvent } from "react"
import { createRoot } from "react-dom/client"

const client = createAuthClient({ baseURL: `${location.origin}/auth` })

function App() {
  const { data, isPending } = client.useSession()

  const signIn = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    client.signIn.email({ email: String(form.get("email")), password: String(form.get("password")) })
  }

  if (isPending) return <p>Loading...</p>
  if (data) return <p>Welcome, {data.user.name}! <button onClick={() => client.signOut()}>Sign Out</button></p>
  return (
    <form onSubmit={signIn}>
      <input name="email" type="email" placeholder="E-mail" autoComplete="username" required />
      <input name="password" type="password" placeholder="Password" autoComplete="current-password" required />
      <button>Sign In</button>
    </form>
  )
}

createRoot(document.getElementById("root")!).render(<App />)
