#include "bindings/data.h"
#include "bindings/explanation.h"
#include "bindings/register.h"
#include "data/with_regions.h"
#include "present/region_drawing.h"

namespace multiviz::script {
namespace {

int make(lua_State* L) {
  auto& data = arg<DatasetPtr>(L, 1, "data");
  RegionOptions made;
  made.path = arg_string(L, 2, "path");
  Options options(L, 3);
  made.objects = options.string("objects", "");
  made.attributes = options.string("attributes", "");
  made.key = options.string("key", "");
  made.on_error = on_error_option(options);
  options.done();
  return push(L, with_regions(data, std::move(made)));
}

int draw(lua_State* L) {
  auto& explanation = arg<ExplanationPtr>(L, 1, "explanation");
  auto& x = arg<DatapointHandle>(L, 2, "x");
  check(x->datapoint.id == explanation->datapoint, "mv.on_image: the explanation is of '{}', not of '{}'",
        explanation->datapoint, x->datapoint.id);
  return push(L, std::make_shared<Explanation>(on_image(*explanation, x->data->modalities(), x->datapoint)));
}

}  // namespace

void register_dataset_regions(Binder& binder) {
  binder.function(
      "datasets.with_regions",
      "mv.datasets.with_regions(data, path, {objects=, attributes=, key=, on_error=\"fail\"|\"skip\"}) -> dataset",
      "The data set with the regions that a detector found in its images, for LXMERT: the time series 'objects' of "
      "features and boxes, one frame a region, and their boxes as regions. path is a .tsv of bottom-up attention "
      "(LXMERT's or the original columns), an .npz or .h5 file, or a folder of .npz. objects and attributes are files "
      "with the detector's names. key is the annotation with the image's name, by default image_id and the like.",
      make);
  binder.function("on_image", "mv.on_image(explanation, x) -> explanation",
                  "Weights of regions, as mv.lime gives them to the modality 'objects' of LXMERT, as weights of the "
                  "image of x, for heatmap(): where boxes overlap, the smallest counts.",
                  draw);
}

}  // namespace multiviz::script
