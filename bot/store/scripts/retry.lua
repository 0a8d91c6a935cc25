-- Writes an operation's progress and gives its lane back for a while, unless somebody nudged it. ARGV: lane, token,
-- delay in milliseconds, operation, payload, 'begun' where any of it may have been done, or ''.

local lane, token, delay, op, payload, begun = unpack(ARGV)
if lost(lane, token) then
  return LOST
end
local field = lane .. '|' .. op
local record = redis.call('HGET', ops, field)
if record then
  local _, flags, before = parts_of(record)
  if payload ~= before then  -- whoever gives a record back as it was has not looked into its fate
    payload = take_newer(lane, op, begun, flags) or payload
    if begun ~= 'begun' and not has(flags, 'r') then  -- a newer text may take its place when one comes
      flags = without(flags, 'b')
    end
    redis.call('HSET', ops, field, record_of(run(), flags, payload))
  end
end
redis.call('HDEL', holder, lane)
redis.call('HDEL', taken, lane)
if redis.call('HDEL', nudged, lane) == 1 then
  delay = 0
end
redis.call('ZADD', ready, now() + delay, lane)
return 1
