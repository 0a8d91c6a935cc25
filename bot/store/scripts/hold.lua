-- Stops a lane at an operation until a person has answered. ARGV: lane, token, operation, payload.

local lane, token, op, payload = unpack(ARGV)
if lost(lane, token) then
  return LOST
end
local field = lane .. '|' .. op
local record = redis.call('HGET', ops, field)
if record then
  local _, flags = parts_of(record)
  redis.call('HSET', ops, field, record_of(run(), with(flags, 'b'), payload))
  redis.call('HSET', held, lane, now() .. '|' .. op)
  redis.call('ZREM', ready, lane)
end
redis.call('HDEL', holder, lane)
redis.call('HDEL', taken, lane)
redis.call('HDEL', nudged, lane)
return 1
