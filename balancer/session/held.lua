-- ARGV: epoch, …
local held = redis.call('HMGET', KEYS[1], 'session', 'epoch')
local epoch = tonumber(held[2] or '0')
if epoch < tonumber(ARGV[1]) then
  return {'unknown', KEYS[1], now}
end

