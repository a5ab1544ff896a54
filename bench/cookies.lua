-- For wrk: a browser's request with the lines of $COOKIES in turn as its cookie.
-- The last line of the output is "RESULT requests bytes errors median-us p99-us requests-a-second".
local requests, i = {}, 0

function init(args)
    wrk.headers["Host"] = os.getenv("HOST")
    wrk.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    wrk.headers["Accept"] = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    wrk.headers["Accept-Language"] = "en-US,en;q=0.5"
    wrk.headers["Accept-Encoding"] = "gzip, deflate, br"
    wrk.headers["Sec-Fetch-Dest"] = "document"
    wrk.headers["Sec-Fetch-Mode"] = "navigate"
    wrk.headers["Sec-Fetch-Site"] = "same-origin"
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

function done(summary, latency)
    local e = summary.errors
    io.write(string.format("RESULT %d %d %d %d %d %.1f\n", summary.requests, summary.bytes,
        e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(50), latency:percentile(99),
        summary.requests / (summary.duration / 1e6)))
end
