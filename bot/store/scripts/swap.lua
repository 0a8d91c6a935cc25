-- Changes a field of a hash if it is still what the caller saw. KEYS: hash. ARGV: field, before, after.
-- Asked again after a lost answer, it finds what it wrote itself and says yes.

local stored = redis.call('HGET', KEYS[1], ARGV[1])
if stored == ARGV[3] then
  return 1
end
if stored ~= ARGV[2] then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
