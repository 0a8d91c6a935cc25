-- The next operation of a claimed lane. KEYS: queue. ARGV: lane, token, lease in milliseconds.

local lane, token, lease = ARGV[1], ARGV[2], ARGV[3]
if lost(lane, token) then
  return LOST
end
return hand_out(lane, KEYS[14], lease, run(), '')
