import { createTypedClient } from "latchkey-client"
import { authClient } from "latchkey-client/auth"
import type { API } from "../server/api"

const client = createTypedClient<API>({
  plugins: [
    authClient({
      session: {
        // Refetch session every 5 minutes
        refetchInterval: 60 * 5,

        // Refetch when tab gets focus
        refetchOnWindowFocus: true,
      },
    }),
  ],
})

export { client }
