#pragma once
#include "prediction/class_path.h"
#include "prediction/elastic_net.h"
#include "prediction/moments.h"

namespace multiviz {

// The smallest lambda at which every coefficient of every class is zero. With alpha near 0 there is none: alpha counts
// as 1/1000 there, as in glmnet.
double gaussian_lambda_max(const Moments& moments, double alpha);

// The gaussian family of elastic_net for every class (row of moments.cross) and lambda of a descending grid. Classes
// are independent and run in parallel. Deviance explained is over all classes; with `saturation` the whole path ends
// where that of all classes together saturates.
Fit gaussian_path(const Moments& moments, const std::vector<double>& grid, const ElasticNetOptions& options);

}  // namespace multiviz
