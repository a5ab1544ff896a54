-- For wrk: GET with the cookies of $COOKIES, one after another in an order of its own each time.
-- The last line of the output is "RESULT requests bytes errors median-us p99-us".
local cookies = {}

function init(args)
    for line in io.lines(os.getenv("COOKIES")) do cookies[#cookies + 1] = line end
    math.randomseed(os.time())
    wrk.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    wrk.headers["Accept"] = "application/json"
    wrk.headers["Sec-Fetch-Site"] = "same-origin"
end

function request()
    wrk.headers["Cookie"] = cookies[math.random(#cookies)]
    return wrk.format("GET", nil)
end

function done(summary, latency)
    local e = summary.errors
    io.write(string.format("RESULT %d %d %d %d %d\n", summary.requests, summary.bytes,
        e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(50), latency:percentile(99)))
end
