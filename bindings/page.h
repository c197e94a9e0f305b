#pragma once
#include <memory>

#include "bindings/binder.h"
#include "present/page.h"

namespace multiviz::script {

// What scripts hold of a page. Adding to it changes it, for every name that it has in the script.
using PagePtr = std::shared_ptr<Page>;

}  // namespace multiviz::script
