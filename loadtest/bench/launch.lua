-- wrk: the first half of a provider launch, then its second half with the state, nonce and cookie that came back.
-- Two requests are one launch; every visit is launched twice, the second time some hundred launches later.
local waiting, first, last, begun = {}, 1, 0, 0
local first_csn, iss = tonumber(os.getenv("FIRST_CSN")), os.getenv("ISS")
local begin = "/launch/provider?launch=bench&iss=" .. os.getenv("FHIR_BASE")

local function csn()
  local half = begun % 2 == 0 and begun / 2 or math.max(0, (begun - 401) / 2)
  begun = begun + 1
  return string.format("%d", first_csn + math.floor(half))
end

function request()
  local known = waiting[first]
  if not known then return wrk.format("GET", begin) end
  waiting[first], first = nil, first + 1
  local back = "/launch/callback?code=" .. csn() .. "~" .. known.nonce .. "&state=" .. known.state .. "&iss=" .. iss
  return wrk.format("GET", back, { ["Cookie"] = known.cookie })
end

function response(status, headers)
  local to = headers["Location"]
  local state = to and to:match("[?&]state=([^&]+)")
  if state then
    last = last + 1
    waiting[last] = { state = state, nonce = to:match("[?&]nonce=([^&]+)"), cookie = headers["Set-Cookie"]:match("^[^;]+") }
  end
end
