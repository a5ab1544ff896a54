import type { User } from "latchkey-client"
import { createContext, useContext, useEffect, useState } from "react"
import { useStore } from "@nanostores/react"
import { client } from "./lib/client"

const AuthContext = createContext<{
  user: User | null
  isLoading: boolean
  signOut: () => Promise<void>
}>({
  user: null,
  isLoading: true,
  signOut: async () => {},
})

export function AuthProvider({ children }: { children: React.ReactNode }) {
  const session = useStore(client.$session)

  const signOut = async () => {
    await client.auth.signOut()
  }

  return (
    <AuthContext.Provider value={{
      user: session.data?.user ?? null,
      isLoading: session.isPending,
      signOut,
    }}>
      {children}
    </AuthContext.Provider>
  )
}

export function useAuth() {
  return useContext(AuthContext)
}
