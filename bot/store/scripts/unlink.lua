-- Takes a link away where it is still what the caller saw; what its thread was asked is over then.
-- KEYS: delivered, partings. ARGV: thread, link as it is stored.

local thread, before = unpack(ARGV)
if redis.call('HGET', links, thread) ~= before then
  return 0
end
part(thread, KEYS[14], KEYS[15])
if redis.call('HDEL', held, thread) == 1 then
  make_ready(thread, now())
end
if not redis.call('ZSCORE', ready, thread) then  -- else whoever works on it last forgets when it was read
  redis.call('HDEL', epoch, thread)
end
return 1
