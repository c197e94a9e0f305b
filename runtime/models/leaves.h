#pragma once
#include <span>
#include <string>

#include "models/model.h"

namespace multiviz {

// The leaves of modalities that are numbers already. `name` is the modality's, for errors: all throw Error when there
// is no value, or one of another kind or size.

// Time series [B, T, channels], padded behind with zeros to the longest, with a mask where lengths differ. `channels`
// is 0 for as many as the first has; each series has exactly `frames` frames when that is not 0.
Leaf series_leaf(const std::string& name, std::span<const Value> values, int64_t channels, int64_t frames,
                 at::Device device);

// The same cut or padded to T frames each, without a mask.
Leaf fixed_series_leaf(const std::string& name, std::span<const Value> values, int64_t channels, int64_t frames,
                       at::Device device);

// Tables [B, columns]; `columns` is 0 for as many as the first has.
Leaf table_leaf(const std::string& name, std::span<const Value> values, int64_t columns, at::Device device);

}  // namespace multiviz
