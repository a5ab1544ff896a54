import { client } from "./lib/client"

export async function logDevice() {
  const { data } = await client.auth.getSession()
  if (!data) return console.log("Not logged in")

  // Session includes device info
  console.log(data.session.userAgent)  // "Mozilla/5.0..."
  console.log(data.session.ipAddress)  // "192.168.1.1"
}
