#pragma once
#include "bindings/binder.h"

// One line for each file of bindings/ that scripts see, sorted; the same lines in register.cpp.
namespace multiviz::script {

void register_crossmodal(Binder& binder);
void register_datapoint(Binder& binder);
void register_dataset(Binder& binder);
void register_dataset_define(Binder& binder);
void register_dataset_files(Binder& binder);
void register_datasets_published(Binder& binder);
void register_dataset_multibench(Binder& binder);
void register_dataset_regions(Binder& binder);
void register_define_model(Binder& binder);
void register_explore(Binder& binder);
void register_feature_analysis(Binder& binder);
void register_explanation(Binder& binder);
void register_features(Binder& binder);
void register_gradients(Binder& binder);
void register_help(Binder& binder);
void register_image(Binder& binder);
void register_late_fusion(Binder& binder);
void register_model(Binder& binder);
void register_page(Binder& binder);
void register_perturbation(Binder& binder);
void register_progress(Binder& binder);
void register_recordings(Binder& binder);
void register_selection(Binder& binder);
void register_session(Binder& binder);
void register_sparse_linear(Binder& binder);
void register_sparse_path(Binder& binder);
void register_storage(Binder& binder);
void register_target(Binder& binder);
void register_tensor(Binder& binder);
void register_trace(Binder& binder);
void register_train(Binder& binder);
void register_ui(Binder& binder);
void register_ui_data(Binder& binder);
void register_ui_layout(Binder& binder);
void register_view(Binder& binder);
void register_window(Binder& binder);

// Makes the table `mv` in this state, on top of the stack.
int open(lua_State* L);
// The script's help([x]): prints what is known about a function, an object or a table of functions.
int help(lua_State* L);

}  // namespace multiviz::script
