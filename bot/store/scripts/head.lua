-- The next operation of a claimed lane. KEYS: queue. ARGV: lane, token, lease in milliseconds.

local lane, token, lease = ARGV[1], ARGV[2], ARGV[3]
if lost(lane, token) then
  return LOST
end
-- Who had this in hand before and neither finished it nor gave it back has died with it, or stood still for too long.
-- The name of a call that hands out a head is its holder's token with the count of those.
local function deaths()
  local op, call = in_hand(lane)
  if not op or op ~= redis.call('ZRANGE', KEYS[14], 0, 0)[1] then
    return 0
  end
  local counted = #call == #token + 4 and tonumber(string.sub(call, -4), 16) or 0
  local is_mine = string.sub(call, 1, #token) == token
  return is_mine and counted or math.min(counted + 1, 0xffff)
end

local died = deaths()
return hand_out(lane, KEYS[14], lease, run(), token .. string.format('%04x', died), died)
