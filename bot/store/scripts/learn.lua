-- Writes down where a message is on the ticket, while its thread has one. KEYS: links, delivered. ARGV: thread, name of the
-- message, record.

if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then
  redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
end
return 1
