#include "bindings/register.h"

namespace multiviz::script {

int open(lua_State* L) {
  return guarded(L, [](lua_State* L) {
    lua_newtable(L);
    Binder binder(L, -1);
    register_crossmodal(binder);
    register_datapoint(binder);
    register_dataset(binder);
    register_dataset_define(binder);
    register_dataset_files(binder);
    register_datasets_published(binder);
    register_dataset_multibench(binder);
    register_dataset_regions(binder);
    register_define_model(binder);
    register_explore(binder);
    register_feature_analysis(binder);
    register_explanation(binder);
    register_features(binder);
    register_gradients(binder);
    register_help(binder);
    register_image(binder);
    register_late_fusion(binder);
    register_model(binder);
    register_page(binder);
    register_perturbation(binder);
    register_progress(binder);
    register_recordings(binder);
    register_selection(binder);
    register_session(binder);
    register_sparse_linear(binder);
    register_sparse_path(binder);
    register_storage(binder);
    register_target(binder);
    register_tensor(binder);
    register_trace(binder);
    register_train(binder);
    register_ui(binder);
    register_ui_data(binder);
    register_ui_layout(binder);
    register_view(binder);
    register_window(binder);
    return 1;
  });
}

}  // namespace multiviz::script
