-- Lengthens a lease; with a third word, notes that the lane's thread was read again since the server restarted.
-- ARGV: lane, token, lease in milliseconds, 'resynced' or nothing.

local lane, token, lease, what = unpack(ARGV)
if lost(lane, token) then
  return LOST
end
if what == 'resynced' then
  redis.call('HSET', epoch, lane, run())
end
lengthen(lane, lease)
return 1
