-- Stops a lane at an operation until a person has answered, unless a newer text waits to take its place: then that is
-- due at once. ARGV: lane, token, operation, payload, 'begun' where any of it may have been done, or '', 'linked' where
-- that is asked only as long as the thread has a link, or ''.

local lane, token, op, payload, begun, linked = unpack(ARGV)
if lost(lane, token) then
  return LOST
end
local field = lane .. '|' .. op
local record = redis.call('HGET', ops, field)
if record then
  local _, flags = parts_of(record)
  local newer = take_newer(lane, op, begun, flags)
  flags = begun == 'begun' and with(flags, 'b') or without(flags, 'b')
  redis.call('HSET', ops, field, record_of(run(), flags, newer or payload))
  if newer or (linked == 'linked' and redis.call('HEXISTS', links, thread_of(lane)) == 0) then
    redis.call('ZADD', ready, now(), lane)
  else
    redis.call('HSET', held, lane, now() .. '|' .. op)
    redis.call('ZREM', ready, lane)
  end
end
redis.call('HDEL', holder, lane)
redis.call('HDEL', taken, lane)
redis.call('HDEL', nudged, lane)
return 1
