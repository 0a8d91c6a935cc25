-- Claims lanes whose time has come. KEYS: memory of this claim. ARGV: how many, lease in milliseconds, token.
-- Returns the number of lanes that are due, milliseconds until the next one is (-1: none), and the claimed lanes.

local memory, limit, lease, token = KEYS[14], tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local moment = now()
local claimed = {}

if limit > 0 then
  local before = redis.call('GET', memory)
  if before then
    claimed = cjson.decode(before)
  else
    claimed = redis.call('ZRANGEBYSCORE', ready, '-inf', moment, 'LIMIT', 0, limit)
    for _, lane in ipairs(claimed) do
      redis.call('ZADD', ready, moment + lease, lane)
      redis.call('HSET', holder, lane, lease_of(token))
      redis.call('HDEL', nudged, lane)
    end
    if #claimed > 0 then
      redis.call('SET', memory, cjson.encode(claimed), 'PX', lease)
    end
  end
end

local first = redis.call('ZRANGE', ready, 0, 0, 'WITHSCORES')
local wait = first[2] and math.max(0, tonumber(first[2]) - moment) or -1
return { redis.call('ZCOUNT', ready, '-inf', moment), wait, unpack(claimed) }
