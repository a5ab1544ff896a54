-- Hands the gate's word to an application behind lighttpd: see gate.conf. Called before latchkey was asked, when there are no
-- such variables and whatever the client has sent goes, and again after it.
for field, variable in pairs({
    ["Remote-User"] = "REMOTE_USER",
    ["Auth-User-Id"] = "AUTH_USER_ID",
    ["Auth-Email"] = "AUTH_EMAIL",
    ["Auth-Name"] = "AUTH_NAME",
    ["Auth-Session-Id"] = "AUTH_SESSION_ID",
}) do
    lighty.r.req_header[field] = lighty.r.req_env[variable]
end
return 0
