-- Called for each request, before anything else looks at it: see gate.conf. Every name that reaches a page as the variable of
-- one of these is taken away, and with it whatever lighttpd would turn into another name. Add what your pages believe in.
local believed = {}
for name in ([[
    remote-user remote-email remote-name remote-groups auth-user auth-user-id auth-uid auth-email auth-name auth-sid
    auth-session-id x-auth-user x-auth-user-id x-auth-uid x-auth-email x-auth-name x-auth-groups x-auth-sid x-auth-session-id
    x-auth-request-user x-auth-request-email x-auth-request-groups x-auth-request-preferred-username x-authenticated-user
    x-remote-user x-forwarded-user x-forwarded-email x-forwarded-groups x-forwarded-preferred-username x-webauth-user
    variable-remote-user variable-auth-user-id variable-auth-email variable-auth-name variable-auth-session-id proxy
]]):gmatch("%S+") do
    believed[name] = true
end

-- Not while walking through them.
local unwanted = {}
for name in pairs(lighty.r.req_header) do
    if name:find("[^%w-]") or believed[name:lower()] then
        unwanted[#unwanted + 1] = name
    end
end
for _, name in ipairs(unwanted) do
    lighty.r.req_header[name] = nil
end
return 0
