-- ARGV: epoch, recorder
if epoch > tonumber(ARGV[1]) or held[1] == '' then
  return {'fenced', KEYS[1], now}
end
redis.call('HSET', KEYS[1], 'recorder', ARGV[2])
return {'ok', KEYS[1], now}
