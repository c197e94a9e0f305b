#pragma once
#include <memory>

#include "bindings/binder.h"
#include "data/dataset.h"
#include "data/fields.h"
#include "models/model.h"

// What scripts hold of data: a data set is a DatasetPtr, data[i] a DatapointHandle, a picture an Image.
namespace multiviz::script {

// A datapoint and the data set that says what its values and labels are called. Edited copies keep the data set.
struct Example {
  DatasetPtr data;
  Datapoint datapoint;  // values in the data set's order
};

using DatapointHandle = std::shared_ptr<const Example>;

// Accounts for the memory of its values with the collector.
int push(lua_State* L, DatapointHandle x);

// The datapoint as a model takes it (models/model.h): values in its order, labels as it numbers them.
inline Datapoint for_model(const Model& model, const DatapointHandle& x) {
  return adapt(model.signature(), *x->data, x->datapoint);
}

// A picture from uint8 [H, W, 3].
inline int push(lua_State* L, Image image) {
  account(L, image.pixels.nbytes());
  return push_object(L, std::move(image));
}

// One modality's value: an image, a string, a tensor of frames [T, F] or of columns [F].
int push(lua_State* L, const Value& value);

// The other way. An image is an image, a tensor or a file's name; a text a string; frames and columns a tensor or
// nested tables. Throws Error starting with `where` for anything else and for empty values.
Value to_value(lua_State* L, int index, const Modality& modality, const std::string& where);

// A picture from a tensor [H, W, 3] or [H, W]: uint8, or floats from 0 to 1.
Image to_image(const at::Tensor& tensor, const std::string& where);

// The option `modalities`: { image = "image", question = "text" }, where a kind may also be { kind = "text", field =
// "q", names = {...} }, in a csv file also with columns = {...}. Images come first, then texts, time series and tables,
// each by name; a sequence of { name = "image", kind = "image" }, or of kinds that are the names too, keeps its own
// order. No two have the same name.
std::vector<Field> modalities_option(Options& options, lua_State* L);

// The option `on_error`: "fail" (default) or "skip".
OnError on_error_option(Options& options);

// "128 x 96 pixels", "\"how many ...\"", "frames 20 x 74": what a value prints as.
std::string describe(const Value& value);

}  // namespace multiviz::script
