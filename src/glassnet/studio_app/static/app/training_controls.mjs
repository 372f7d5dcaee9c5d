export const TrainingControls = () => null;
