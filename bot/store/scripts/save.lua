-- Writes an operation's progress and lengthens the lease. ARGV: lane, token, lease in milliseconds, operation, payload.

local lane, token, lease, op, payload = unpack(ARGV)
if lost(lane, token) then
  return LOST
end
local field = lane .. '|' .. op
local record = redis.call('HGET', ops, field)
if record then
  local _, flags = parts_of(record)
  redis.call('HSET', ops, field, record_of(run(), with(flags, 'b'), payload))
end
lengthen(lane, lease)
return 1
