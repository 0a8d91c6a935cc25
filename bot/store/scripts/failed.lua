-- Notes that a desk does not answer. KEYS: shut, failures. ARGV: a random number from 0.5 to 1, the desk's own wish in
-- milliseconds or 0. While the desk is left alone already, more failures do not count. Returns milliseconds to wait.

local shut, failures = KEYS[1], KEYS[2]
local left, wish = redis.call('PTTL', shut), tonumber(ARGV[2])
if left > 0 and left >= wish then
  return left
end
if left <= 0 then
  redis.call('INCR', failures)
end
local count = tonumber(redis.call('GET', failures)) or 1
local wait = math.max(wish, math.floor(math.min(60000, 1000 * 2 ^ (count - 1)) * tonumber(ARGV[1])))
redis.call('SET', shut, '1', 'PX', wait)
return wait
