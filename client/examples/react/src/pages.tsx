// What the snippets take for granted: pages by the part of the address behind "#", a spinner, a form to sign in by.
import { type FormEvent, useEffect, useState, useSyncExternalStore } from "react"
import { client } from "./lib/client"

const changes = (tell: () => void) => {
  addEventListener("hashchange", tell)
  return () => removeEventListener("hashchange", tell)
}

export const usePath = () => useSyncExternalStore(changes, () => location.hash.slice(1) || "/")

export function Redirect({ to }: { to: string }): null {
  useEffect(() => {
    location.hash = to
  }, [to])
  return null
}

export const Spinner = () => <p>One moment…</p>

export function Login() {
  const [fault, setFault] = useState("")

  const signIn = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const { error } = await client.auth.signIn.email({ email: String(form.get("email")), password: String(form.get("password")) })
    if (error) setFault(error.message)
    else location.hash = "/"
  }

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
