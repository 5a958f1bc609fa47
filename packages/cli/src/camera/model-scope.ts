/** The model that ships, and that cameras have unless they ask for another. */
export const bundledModel = "yolo-nas-pedestrians";

/** What people have to know who point it at a camera of their own; models/yolo-nas-pedestrians/README.md has the figures. */
export const bundledModelScope =
  "it is for the demo: it knows one class, person, and one scene, and is not meant for other cameras; docs/model.md says how to get a model of your own";
