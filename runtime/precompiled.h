// The headers whose parsing dominates the build, compiled once. Sources still include what they use.
#pragma once
#include <ATen/ATen.h>
#include <fmt/format.h>

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>
