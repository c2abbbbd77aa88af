-- wrk -s hosts.lua URL -- PREFIX SUFFIX TENANTS: the host of each request is PREFIX, a number up to TENANTS, SUFFIX.

local prefix, suffix, tenants

function init(arguments)
    prefix, suffix, tenants = arguments[1], arguments[2], tonumber(arguments[3])
    math.randomseed(42)
end

function request()
    return wrk.format("GET", nil, { ["Host"] = prefix .. math.random(1, tenants) .. suffix })
end

function done(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format(
        "RESULT %.1f %.3f %.3f %d\n",
        summary.requests / (summary.duration / 1e6),
        latency:percentile(50) / 1000,
        latency:percentile(99) / 1000,
        errors.status + errors.connect + errors.read + errors.write + errors.timeout
    ))
end
