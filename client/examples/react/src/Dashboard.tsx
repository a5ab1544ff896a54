import { useAuth } from "./AuthProvider"
import { Redirect, Spinner } from "./pages"

function Dashboard() {
  const { user, isLoading, signOut } = useAuth()

  if (isLoading) return <Spinner />
  if (!user) return <Redirect to="/login" />

  return (
    <div>
      <h1>Welcome, {user.name}</h1>
      <button onClick={signOut}>Sign Out</button>
    </div>
  )
}

export { Dashboard }
