#pragma once
#include <memory>

#include "bindings/binder.h"
#include "data/dataset.h"
#include "models/model.h"

// What scripts hold of data: a data set is a DatasetPtr, data[i] a DatapointHandle, a picture an Image.
namespace multiviz::script {

// A datapoint and the data set that says what its values and labels are called. Edited copies keep the data set.
struct Example {
  DatasetPtr data;
  Datapoint datapoint;  // values in the data set's order
};

using DatapointHandle = std::shared_ptr<const Example>;

// The datapoint as a model takes it (models/model.h): values in its order, labels as it numbers them.
inline Datapoint for_model(const Model& model, const DatapointHandle& x) {
  return adapt(model.signature(), *x->data, x->datapoint);
}

// A picture from uint8 [H, W, 3].
inline int push(lua_State* L, Image image) {
  account(L, image.pixels.nbytes());
  return push_object(L, std::move(image));
}

}  // namespace multiviz::script
