-- The production line is in the twin's tags, or the device says it; its hub gets a twin that says so, and the device is greeted.
local line = payload.line or (twin.tags and twin.tags.line)
if not line then
  return nil, "the device says no line, and its enrollment has no tag line"
end
local hubOf = {north = "hub1", south = "hub2"}
if not hubOf[line] then
  return nil, "there is no hub for line " .. line
end
return {
  hub = hubOf[line],
  twin = {tags = {line = line}, properties = {desired = {reportEverySeconds = 30}}},
  payload = {welcome = device.id},
}
