-- Takes a link away where it is still to this ticket. KEYS: delivered. ARGV: thread, desk, ticket id.

local thread, desk, ticket = unpack(ARGV)
local stored = redis.call('HGET', links, thread)
if not stored then
  return 0
end
local link = cjson.decode(stored)
if link.desk ~= desk or link.ticket_id ~= ticket then
  return 0
end
redis.call('HDEL', links, thread)
redis.call('HDEL', made, thread)
redis.call('DEL', KEYS[14])
return 1
