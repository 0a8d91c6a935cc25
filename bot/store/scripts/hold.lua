-- Stops a lane at an operation until a person has answered. ARGV: lane, token, operation, payload, 'begun' where any of
-- it may have been done, or ''.

local lane, token, op, payload, begun = unpack(ARGV)
if lost(lane, token) then
  return LOST
end
local field = lane .. '|' .. op
local record = redis.call('HGET', ops, field)
if record then
  local _, flags = parts_of(record)
  flags = begun == 'begun' and with(flags, 'b') or without(flags, 'b')
  redis.call('HSET', ops, field, record_of(run(), flags, payload))
  redis.call('HSET', held, lane, now() .. '|' .. op)
  redis.call('ZREM', ready, lane)
end
redis.call('HDEL', holder, lane)
redis.call('HDEL', taken, lane)
redis.call('HDEL', nudged, lane)
return 1
