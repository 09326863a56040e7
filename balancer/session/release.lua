-- ARGV: epoch, keep ms
if epoch > tonumber(ARGV[1]) then
  return {'fenced', KEYS[1], now}
end
redis.call('HSET', KEYS[1], 'session', '', 'until', '0')
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {'ok', KEYS[1], now}
