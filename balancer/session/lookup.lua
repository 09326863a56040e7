local held = redis.call('HMGET', KEYS[1], 'session', 'account', 'recorder', 'datacenter', 'epoch', 'until', 'title', 'proof')
if not held[1] or tonumber(held[6]) <= now then
  return {'unknown', KEYS[1], now}
end
return {'ok', KEYS[1], now, held[1], held[2], held[3], held[4], held[7] or '', held[8] or '', tonumber(held[5]), tonumber(held[6])}
