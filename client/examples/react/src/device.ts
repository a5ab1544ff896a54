import { client } from "./lib/client"

const { data } = await client.auth.getSession()

// Session includes device info
console.log(data.session.userAgent)  // "Mozilla/5.0..."
console.log(data.session.ipAddress)  // "192.168.1.1"
