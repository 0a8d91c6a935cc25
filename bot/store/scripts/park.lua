-- Sets an operation aside for a person and hands out the lane's next; where a newer text waits to take its place, that
-- does, and nothing is set aside. KEYS: queue. ARGV: lane, token, lease in milliseconds, name of the call, operation,
-- payload, 'begun' where any of it may have been done, or ''.

local lane, token, lease, call, op, payload, begun = unpack(ARGV)
local queue = KEYS[14]
if lost(lane, token) then
  return LOST
end
local rid = run()
local _, handed_by = in_hand(lane)
local flags, order
if handed_by ~= call then
  flags, order = take_out(lane, queue, op)
end
local newer = flags and take_newer(lane, op, begun, flags)
if newer then
  put_in(lane, queue, op, order, record_of(rid, without(flags, 'b'), newer), flags)
elseif flags then
  local record = now() .. '|' .. order .. '|' .. flags .. '|' .. payload
  redis.call('HSET', parked, lane .. '|' .. op, record)
  bring_successor(lane, queue, op, rid, flags)
end
return hand_out(lane, queue, lease, rid, call)
