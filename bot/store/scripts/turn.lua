-- Takes a turn at a common pace. KEYS: when the next one is. ARGV: milliseconds between two. Returns milliseconds to wait.

local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local at = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0))
local next_at = at + tonumber(ARGV[1])
redis.call('SET', KEYS[1], string.format('%.3f', next_at), 'PX', math.ceil(next_at - now) + 1000)
return math.ceil(at - now)
