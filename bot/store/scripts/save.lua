-- Writes an operation's progress and lengthens the lease. ARGV: lane, token, lease in milliseconds, operation, payload.
-- Returns 2 where a newer text waits to take its place, which `retry` puts there; else 1.

local lane, token, lease, op, payload = unpack(ARGV)
if lost(lane, token) then
  return LOST
end
local field = lane .. '|' .. op
local record = redis.call('HGET', ops, field)
lengthen(lane, lease)
if not record then
  return 1
end
local _, flags = parts_of(record)
redis.call('HSET', ops, field, record_of(run(), with(flags, 'b'), payload))
return not has(flags, 'r') and redis.call('HEXISTS', again, field) == 1 and 2 or 1
