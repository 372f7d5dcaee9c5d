export const NeuronDetails = () => null;
