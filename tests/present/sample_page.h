#pragma once
#include "present/page.h"

namespace multiviz::test {

// A made-up analysis of a picture and a question: every stage, several methods, targets, classes and features.
Page sample_page();

// The same for a time series and a table, whose players are frames, channels, cells and columns.
Page sample_sensor_page();

// The same for regions of a picture that the model does not see itself: four, the last in the first, all in the third.
Page sample_region_page();

// What sample_page()'s explanations are made of, for pages that are to be wrong in one place.
Explanation sample_lime(const std::string& target = "logit of red");

}  // namespace multiviz::test
