// The same without a framework: better-auth/client and its store.
import { createAuthClient } from "better-auth/client"

const client = createAuthClient({ baseURL: `${location.origin}/auth` })

client.useSession.subscribe(({ data, isPending }) => {
  document.getElementById("vanilla")!.textContent = isPending ? "…" : `better-auth/client: ${data ? data.user.email : "nobody"}`
})
