import { client } from "./lib/client"

export async function logWho() {
  // One-time fetch
  const { data } = await client.auth.getSession()

  if (data) {
    console.log("Logged in as:", data.user.email)
    console.log("Session expires:", data.session.expiresAt)
  } else {
    console.log("Not logged in")
  }
}
