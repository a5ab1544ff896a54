// React example with reactive session
import { useStore } from "@nanostores/react"
import { client } from "./lib/client"

function UserStatus() {
  const session = useStore(client.$session)

  if (session.isPending) {
    return <div>Loading...</div>
  }

  if (!session.data) {
    return <div>Not logged in</div>
  }

  return <div>Welcome, {session.data.user.name}!</div>
}

export { UserStatus }
