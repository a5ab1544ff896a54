-- For wrk: the lines of $COOKIES in turn, as the Cookie of each request.
local requests, i = {}, 0
function init(args)
    for line in io.lines(os.getenv("COOKIES")) do
        wrk.headers["Cookie"] = line
        requests[#requests + 1] = wrk.format("GET", nil)
    end
    math.randomseed(os.time())
    i = math.random(#requests)
end
function request()
    i = i % #requests + 1
    return requests[i]
end
function done(summary, latency, r)
    local e = summary.errors
    io.write(string.format("RESULT %d %d %d\n", summary.requests, summary.bytes, e.connect + e.read + e.write + e.status + e.timeout))
end
